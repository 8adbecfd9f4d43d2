"""Requests for a ticket on paper."""
