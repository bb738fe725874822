"""Readers of Level-2 formats, one module a format or a family of them; see registry.py."""
