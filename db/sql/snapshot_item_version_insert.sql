insert or ignore into snapshot_item_version by name
from incoming_snapshot_item_version
