"""What compares the lifted text with the text: states drawn at random, and both side by side."""
