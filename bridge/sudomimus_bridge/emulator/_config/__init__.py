"""The settings of the local service, as pydantic models."""
