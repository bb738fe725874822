"""The platform as a user starts it: servers in processes of their own, a browser on their pages."""
