"""Progress: nobody is stuck, work is finite, and every block ends."""
