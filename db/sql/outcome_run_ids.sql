select distinct run_id from prediction
