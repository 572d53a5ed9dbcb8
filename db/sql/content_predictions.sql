select
    run_id, item_id, answer, text_label, text_form, text_start, text_end, is_finished, head_label,
    head_probabilities, prompt_tokens, answer_tokens, latency_seconds
from read_prediction
where run_id = $run_id and item_id in ($item_ids)
