"""A call as a picture: its record and its event log as plain data, and what draws them.

::

    timeline_of(reads.call(sid), config.event_log_dir, ISRAEL, config.log_transcripts)    the data; computes
    timeline_apart(reads.call(sid), config.event_log_dir, config.log_transcripts)         in another process

A page has ``<div class="timeline" data-src="…the URL of that data as JSON…"></div>``, and the two files of
``server/pages/static/timeline``; where there are recordings, its view puts a URL in each ``sounds[n].src``.
"""
