"""The text, changed in every small way: what notices."""
