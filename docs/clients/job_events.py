"""Follows a Darkroom job as it goes on, over lost connections too. Generated clients have the events only at the end."""

import json
import time
import urllib.request


def job_events(server, job_id):
    """Yields each event's name and its data, a dict; ends after the job's last event."""
    last = None
    while True:
        request = urllib.request.Request(f"{server}/v1/jobs/{job_id}/events")
        if last:
            request.add_header("Last-Event-ID", last)
        with urllib.request.urlopen(request) as answer:
            if answer.status == 204:
                return  # nothing more will come
            event = {}
            try:
                for line in answer:
                    field, _, value = line.decode().rstrip("\r\n").partition(":")
                    if field:
                        event[field] = event.get(field, "") + value.removeprefix(" ")
                    elif "event" in event:
                        yield event["event"], json.loads(event["data"])
                        last, event = event["id"], {}
                    else:
                        event = {}
            except OSError:
                time.sleep(1)
