"""Peers in environments of their own: what they need, how they run, where they read otherwise."""
