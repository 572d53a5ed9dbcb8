select run_id from run anti join retired_run using (run_id)
