"""Profiles, the people one travels with, and the dashboards: user-service."""
