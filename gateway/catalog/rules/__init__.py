"""Rules of DIGG's REST API profile that can be decided on the documents: warnings, never errors."""
