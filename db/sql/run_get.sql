select run_id, name, kind, model, settings, metrics, created_at, base_run_id
from run
where run_id = $run_id
