"""Every configured STT over an office's own recordings (``./start_all.sh hear FOLDER``)."""
