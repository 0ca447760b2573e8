"""Is the service able to serve?"""
