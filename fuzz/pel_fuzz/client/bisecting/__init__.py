"""`pel client bisect`: the first transaction that matters to a client."""
