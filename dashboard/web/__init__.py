"""The web server of the dashboard: the Streamlit app behind a gate that accepts only browsers that opened a link."""
