"""The assets, one module a chapter; each body reads, calls one domain function, writes, reports."""
