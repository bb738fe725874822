"""Self-contained HTML pages and pictures: the shell, tables, data, charts, the frame of a figure.

shell puts a page together, static/ holds its style and its charts, figures frames PNG pictures for
the UI. What a page or a picture shows stands in the domain that it belongs to.
"""
