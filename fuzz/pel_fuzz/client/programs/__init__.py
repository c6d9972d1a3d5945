"""`pel client programs`: executors without an EVM."""
