"""The declared tables, one module a group of assets."""
