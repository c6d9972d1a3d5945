"""`pel client check`: blocks for a client, and what it makes of them."""
