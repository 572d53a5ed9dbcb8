delete from correctness where run_id = $run_id and label_set = $label_set
