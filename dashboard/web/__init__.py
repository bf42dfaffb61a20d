"""The web server of the dashboard: the app behind a gate that lets in only browsers that opened a link."""
