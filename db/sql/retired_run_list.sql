select run_id from retired_run
