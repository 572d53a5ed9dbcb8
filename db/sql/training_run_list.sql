select run_id, preset, state, settings, created_at, created_by, base_run_id, message
from current_training_run
anti join retired_run using (run_id)
order by created_at desc, run_id desc
