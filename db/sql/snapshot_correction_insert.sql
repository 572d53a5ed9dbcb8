insert or ignore into snapshot_correction by name
from incoming_snapshot_correction
