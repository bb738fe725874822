"""The operators of the expression language, a module a family; registry.py says what one is."""
