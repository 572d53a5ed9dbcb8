select run_id, name, kind, model, settings, metrics, created_at, base_run_id
from run
anti join retired_run using (run_id)
order by created_at desc, run_id desc
