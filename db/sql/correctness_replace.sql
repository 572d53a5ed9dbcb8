insert into correctness by name
select $run_id as run_id, $label_set as label_set, * from incoming_correctness
