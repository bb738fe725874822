"""Performance: what a series of returns was worth: metrics, pictures, tear sheets."""
