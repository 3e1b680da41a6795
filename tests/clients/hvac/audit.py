"""Audit devices: enabled, listed, asked for the digest of a text that stands in the file, disabled."""

import json
import os
import tempfile

from hvac import exceptions
from story import client, refused, status

root = client()
before = set(root.sys.list_enabled_audit_devices()["data"])
with tempfile.TemporaryDirectory() as folder:
    file = os.path.join(folder, "audit.log")
    refused(exceptions.InvalidRequest, root.sys.calculate_hash, "trail", "text", text="unknown audit backend")
    status(root.sys.enable_audit_device("file", path="trail", description="a trail", options={"file_path": file}), 204)
    refused(exceptions.InvalidRequest, root.sys.enable_audit_device, "file", path="trail", options={"file_path": file}, text="path already in use")
    refused(exceptions.InvalidRequest, root.sys.enable_audit_device, "nonsense", path="other")
    shown = root.sys.list_enabled_audit_devices()["data"]["trail/"]
    assert shown["type"] == "file" and shown["description"] == "a trail" and shown["options"]["file_path"] == file
    root.sys.enable_secrets_engine("kv", path="watched")
    root.secrets.kv.v1.create_or_update_secret("app", {"password": "a-secret-word"}, method="PUT", mount_point="watched")
    digest = root.sys.calculate_hash("trail", "a-secret-word")
    assert digest["data"]["hash"] == digest["hash"] and digest["hash"].startswith("hmac-sha256:") and len(digest["hash"]) == 76
    text = open(file).read()
    entries = [json.loads(line) for line in text.splitlines()]
    written = [entry for entry in entries if entry["request"].get("path") == "watched/app"]
    assert {entry["type"] for entry in written} == {"request", "response"}
    assert written[0]["request"]["data"]["password"] == digest["hash"] and written[0]["time"]
    assert "a-secret-word" not in text and root.token not in text
    status(root.sys.disable_audit_device("trail"), 204)
    status(root.sys.disable_audit_device("trail"), 204)
assert set(root.sys.list_enabled_audit_devices()["data"]) == before
