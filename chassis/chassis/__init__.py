"""The microservice chassis: mechanisms that every service needs, and no word of any domain."""
