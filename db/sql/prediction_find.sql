-- "offset 0" keeps both conditions from becoming one scan, which would not use the index on item_id.
select
    run_id, item_id, answer, text_label, text_form, text_start, text_end, is_finished, head_label,
    head_probabilities, prompt_tokens, answer_tokens, latency_seconds
from (select * from read_prediction where item_id = $item_id offset 0)
where run_id = $run_id
