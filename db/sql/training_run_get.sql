select run_id, preset, state, settings, created_at, created_by, base_run_id, message
from current_training_run
where run_id = $run_id
