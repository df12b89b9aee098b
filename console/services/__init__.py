"""What the control plane can do: one set of functions behind the pages, the management API and `sluss` commands.

Each function takes an open database session, the actor, ids and `now`; it checks the role table, changes rows, writes
the audit entry in the same transaction and raises classes of `console.errors`. None of them commits: that is done
where the request or the command ends (`console.transactions`).
"""
