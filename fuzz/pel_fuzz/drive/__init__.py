"""Executors in other languages, driven step by step from outside. Page: docs/formats/drive.md."""
