"""The style library: classical characteristics of a security, from daily bars and the index.

Values are the characteristic itself, in the sign of the formula that stands with each; whether high
or low values earn more is for the evaluation to say. Windows follow windows.py: sessions, ending on
the day, with two thirds of them valid.
"""
