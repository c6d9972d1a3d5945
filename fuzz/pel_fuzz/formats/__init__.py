"""The file formats as JSON: reading and writing what `pel_spec` defines."""
