"""After writing: does the bundle give what its source model gives?"""
