-- How the incoming predictions of a stored run differ from it. Labels that its makers left to our
-- own reader are not compared: an export holds what was read.
select
    item_id,
    case
        when stored.run_id is null then 'is not in the stored run ' || $run_id
        when p.run_id is null then 'is in the stored run ' || $run_id || ' alone'
        else 'is stored with other content in run ' || $run_id
    end as fault
from incoming_prediction as p
full join (select * from stored_prediction where run_id = $run_id) as stored using (item_id)
where p.run_id is null
    or stored.run_id is null
    or p.answer is distinct from stored.answer
    or p.is_finished is distinct from stored.is_finished
    or p.head_label is distinct from stored.head_label
    or p.head_probabilities is distinct from stored.head_probabilities
    or p.prompt_tokens is distinct from stored.prompt_tokens
    or p.answer_tokens is distinct from stored.answer_tokens
    or p.latency_seconds is distinct from stored.latency_seconds
    or (
        (stored.answer_label is not null or stored.answer_form is not null)
        and (
            p.answer_label is distinct from stored.answer_label
            or p.answer_form is distinct from stored.answer_form
            or p.answer_start is distinct from stored.answer_start
            or p.answer_end is distinct from stored.answer_end
        )
    )
order by item_id
