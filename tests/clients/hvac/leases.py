"""Leases that are not there: refused with the words that clients look for; revoking them is no error."""

from hvac import exceptions
from story import client, refused, status

root = client()
refused(exceptions.InvalidRequest, root.sys.read_lease, "no/such/lease", text="invalid lease")
refused(exceptions.InvalidRequest, root.sys.renew_lease, "no/such/lease", text="lease not found")
refused(exceptions.InvalidPath, root.sys.list_leases, "no/such/prefix")
for answer in (root.sys.revoke_lease("no/such/lease"), root.sys.revoke_prefix("no/such/prefix"), root.sys.revoke_force("no/such/prefix")):
    status(answer, 204)
weak = client(root.auth.token.create(policies=["default"])["auth"]["client_token"])
refused(exceptions.InvalidRequest, weak.sys.read_lease, "no/such/lease", text="invalid lease")
refused(exceptions.Forbidden, weak.sys.revoke_prefix, "no/such/prefix", text="permission denied")
refused(exceptions.Forbidden, weak.sys.list_leases, "no/such/prefix", text="permission denied")
