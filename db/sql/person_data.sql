-- Every row in which a person is named; a test holds the tables to be all of them. Secrets stay out.
select 'acceptance_event' as kind, to_json(acceptance_event)::varchar as body
from acceptance_event
where reviewer_id = $reviewer_id
union all
select 'acceptance_rule' as kind, to_json(acceptance_rule)::varchar as body
from acceptance_rule
where created_by = $reviewer_id
union all
select 'adjudication' as kind, to_json(adjudication)::varchar as body
from adjudication
where reviewer_id = $reviewer_id
union all
select 'annotation' as kind, to_json(annotation)::varchar as body
from annotation
where reviewer_id = $reviewer_id
union all
select 'bulk_action' as kind, to_json(bulk_action)::varchar as body
from bulk_action
where reviewer_id = $reviewer_id
union all
select 'bulk_undo' as kind, to_json(bulk_undo)::varchar as body
from bulk_undo
where reviewer_id = $reviewer_id
union all
select 'draft' as kind, to_json(draft)::varchar as body
from draft
where reviewer_id = $reviewer_id
union all
select 'gate_use' as kind, to_json(gate_use)::varchar as body
from gate_use
where reviewer_id = $reviewer_id
union all
select 'guideline' as kind, to_json(guideline)::varchar as body
from guideline
where reviewer_id = $reviewer_id
union all
select 'item_version' as kind, to_json(item_version)::varchar as body
from item_version
where reviewer_id = $reviewer_id
union all
select 'label_set' as kind, to_json(label_set)::varchar as body
from label_set
where reviewer_id = $reviewer_id
union all
select 'model_alias' as kind, to_json(model_alias)::varchar as body
from model_alias
where reviewer_id = $reviewer_id
union all
select 'model_version' as kind, to_json(model_version)::varchar as body
from model_version
where created_by = $reviewer_id
union all
select 'program_token' as kind, json_object(
    'token_id', token_id, 'reviewer_id', reviewer_id, 'created_by', created_by, 'created_at', created_at
)::varchar as body
from program_token
where reviewer_id = $reviewer_id or created_by = $reviewer_id
union all
select 'program_token_revocation' as kind, to_json(program_token_revocation)::varchar as body
from program_token_revocation
where revoked_by = $reviewer_id
union all
select 'queue' as kind, to_json(queue)::varchar as body
from queue
where created_by = $reviewer_id or list_contains(reviewer_ids, $reviewer_id)
union all
select 'queue_share' as kind, to_json(queue_share)::varchar as body
from queue_share
where reviewer_id = $reviewer_id
union all
select 'record_veto' as kind, to_json(record_veto)::varchar as body
from record_veto
where reviewer_id = $reviewer_id
union all
select 'reservation' as kind, to_json(reservation)::varchar as body
from reservation
where reviewer_id = $reviewer_id
union all
select 'review_event' as kind, to_json(review_event)::varchar as body
from review_event
where reviewer_id = $reviewer_id
union all
select 'reviewer' as kind, to_json(reviewer)::varchar as body
from reviewer
where reviewer_id = $reviewer_id
union all
select 'reviewer_change' as kind, to_json(reviewer_change)::varchar as body
from reviewer_change
where reviewer_id = $reviewer_id or changed_by = $reviewer_id or merged_into = $reviewer_id
union all
select 'reviewer_identity' as kind, to_json(reviewer_identity)::varchar as body
from reviewer_identity
where reviewer_id = $reviewer_id
union all
select 'saved_slice' as kind, to_json(saved_slice)::varchar as body
from saved_slice
where saved_by = $reviewer_id
union all
select 'set_aside' as kind, to_json(set_aside)::varchar as body
from set_aside
where reviewer_id = $reviewer_id
union all
select 'setting' as kind, to_json(setting)::varchar as body
from setting
where reviewer_id = $reviewer_id
union all
select 'signature' as kind, to_json(signature)::varchar as body
from signature
where reviewer_id = $reviewer_id
union all
select 'training_run' as kind, to_json(training_run)::varchar as body
from training_run
where created_by = $reviewer_id
union all
select 'trigger_policy' as kind, to_json(trigger_policy)::varchar as body
from trigger_policy
where reviewer_id = $reviewer_id
