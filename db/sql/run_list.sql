select run_id, name, kind, model, settings, metrics, created_at, base_run_id
from run
order by created_at desc, run_id desc
