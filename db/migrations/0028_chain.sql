-- A chain over what people do, so that a later change of it is noticed: db/chain.py.

-- One link for each stored row, or for the rows of a batch. A line is canonical JSON of "digest" (SHA-256
-- of the row, as the view evidence_<kind> writes it), "key" (of the row), "kind" (its table), "number" and
-- "previous" (SHA-256 of the line before). The SHA-256 of the last line is the head.
create table chain_link (
    line varchar not null
);

-- The rows of links that stand for more than a few: a link's key is their batch_id.
create table chain_member (
    batch_id varchar not null,
    kind varchar not null,
    row_key varchar not null,
    digest varchar not null
);

-- Adjudications and promotions, signed: by whom, when, and what the signature means.
create table signature (
    signed_kind varchar not null,       -- adjudication, model_alias
    signed_id varchar not null,         -- the key of the row
    reviewer_id varchar not null,
    name varchar,                       -- at that time; null once the identity was erased
    meaning varchar not null,
    salt varchar,
    seal varchar not null,
    created_at timestamp not null,
    primary key (signed_kind, signed_id)
);

-- What names a person is not part of the chain but sealed in it: salt and text can be erased, and
-- until then a changed text does not fit its seal.
create macro sealed(salt, one, two, three) as
    sha256(concat_ws(chr(31), salt, coalesce(one, ''), coalesce(two, ''), coalesce(three, '')));

alter table reviewer add column salt varchar;
alter table reviewer add column seal varchar;
update reviewer set salt = gen_random_uuid()::varchar;
update reviewer set seal = sealed(salt, name, null, null);

alter table reviewer_identity add column salt varchar;
alter table reviewer_identity add column seal varchar;
update reviewer_identity set salt = gen_random_uuid()::varchar;
update reviewer_identity set seal = sealed(salt, issuer, subject, null);

alter table reviewer_change add column kind varchar default 'role';     -- role, rename, merge, erase
alter table reviewer_change add column name varchar;            -- from now on; null: as before
alter table reviewer_change add column merged_into varchar;     -- a reviewer: the same person
alter table reviewer_change add column salt varchar;
alter table reviewer_change add column seal varchar;
update reviewer_change set salt = gen_random_uuid()::varchar;
update reviewer_change set seal = sealed(salt, name, email, issuer);

create or replace view current_reviewer as
with change as (
    select
        reviewer_id,
        arg_max(
            {'role': role, 'email': email, 'issuer': issuer, 'merged_into': merged_into},
            reviewer_change_number
        ) as latest,
        arg_max(name, reviewer_change_number) as name
    from reviewer_change
    group by reviewer_id
)
select
    reviewer.reviewer_id,
    coalesce(change.name, reviewer.name) as name,
    coalesce(change.latest.role, reviewer.role) as role,
    change.latest.email as email,
    reviewer.origin,
    change.latest.issuer as issuer,
    change.latest.merged_into as merged_into
from reviewer
left join change on change.reviewer_id = reviewer.reviewer_id;

-- People as exports and reports name them: by number where the settings ask for it, or are damaged.
create view exported_reviewer as
with project as (
    select
        case
            when max(setting_number) is null then false
            when not json_valid(arg_max(value, setting_number)) then true
            else coalesce(
                try_cast(arg_max(value, setting_number) ->> '$.uses_pseudonyms' as boolean), false
            )
        end as uses_pseudonyms
    from setting
    where key = 'privacy'
),
numbered as (
    select reviewer_id, row_number() over (order by created_at, reviewer_id) as number from reviewer
)
select
    reviewer_id,
    case when project.uses_pseudonyms then 'Reviewer ' || number::varchar else name end as name,
    role
from current_reviewer
join numbered using (reviewer_id)
cross join project;

-- SHA-256 of what was on screen: db/content/shown.py. Null where nothing was, as in bulk actions.
drop index annotation_of_item;
alter table annotation add column shown_digest varchar;
create index annotation_of_item on annotation (item_id);

-- Views over every column of annotation hold the columns that it had.
create or replace view kept_annotation as
select annotation.*
from annotation
anti join (
    select retracted_annotation_id as annotation_id, item_id
    from annotation
    where action = 'retract'
) as retraction using (item_id, annotation_id)
where action = 'label';

create or replace view standing_annotation as
select *
from kept_annotation
qualify row_number() over (
    partition by item_id, reviewer_id order by annotation_number desc
) = 1;

create or replace view phase_annotation as
select *
from kept_annotation
qualify row_number() over (
    partition by item_id, reviewer_id, phase order by annotation_number desc
) = 1;

-- Of each kind of row in the chain: its key, where it is (above 2^55 until it is committed), and what
-- its digest is made of: JSON of its columns in the order of their names, without those that are null
-- and those that name a person. So a column added later must be null in the rows before it.

create view evidence_annotation as
select
    annotation_id as row_key,
    rowid as place,
    json_merge_patch('{}', json_object(
        'action', action,
        'annotation_id', annotation_id,
        'annotation_number', annotation_number,
        'answer', answer,
        'client_at', strftime(client_at, '%Y-%m-%dT%H:%M:%S.%fZ'),
        'confidence', confidence,
        'created_at', strftime(created_at, '%Y-%m-%dT%H:%M:%S.%fZ'),
        'duration_seconds', format('{:.17g}', duration_seconds),
        'guideline_version', guideline_version,
        'is_fast', is_fast,
        'is_flagged', is_flagged,
        'item_id', item_id,
        'item_version', item_version,
        'label', label,
        'labels', labels,
        'note', note,
        'old_answer', old_answer,
        'old_label', old_label,
        'origin', origin,
        'phase', phase,
        'presentation', presentation,
        'queue_id', queue_id,
        'retracted_annotation_id', retracted_annotation_id,
        'reviewer_id', reviewer_id,
        'run_id', run_id,
        'severity', severity,
        'shown_digest', shown_digest,
        'span_end', span_end,
        'span_start', span_start,
        'span_text', span_text,
        'verdicts', verdicts
    ))::varchar as body
from annotation;

create view evidence_adjudication as
select
    adjudication_id as row_key,
    rowid as place,
    json_merge_patch('{}', json_object(
        'adjudication_id', adjudication_id,
        'adjudication_number', adjudication_number,
        'created_at', strftime(created_at, '%Y-%m-%dT%H:%M:%S.%fZ'),
        'item_id', item_id,
        'item_version', item_version,
        'label', label,
        'note', note,
        'old_label', old_label,
        'old_origin', old_origin,
        'reason', reason,
        'reviewer_id', reviewer_id
    ))::varchar as body
from adjudication;

create view evidence_review_event as
select
    event_number::varchar as row_key,
    rowid as place,
    json_merge_patch('{}', json_object(
        'action', action,
        'client_at', strftime(client_at, '%Y-%m-%dT%H:%M:%S.%fZ'),
        'created_at', strftime(created_at, '%Y-%m-%dT%H:%M:%S.%fZ'),
        'event_number', event_number,
        'item_id', item_id,
        'new_value', new_value,
        'old_value', old_value,
        'phase', phase,
        'queue_id', queue_id,
        'reviewer_id', reviewer_id
    ))::varchar as body
from review_event;

create view evidence_reviewer as
select
    reviewer_id as row_key,
    rowid as place,
    json_merge_patch('{}', json_object(
        'created_at', strftime(created_at, '%Y-%m-%dT%H:%M:%S.%fZ'),
        'origin', origin,
        'reviewer_id', reviewer_id,
        'role', role,
        'seal', seal
    ))::varchar as body
from reviewer;

create view evidence_reviewer_change as
select
    reviewer_change_number::varchar as row_key,
    rowid as place,
    json_merge_patch('{}', json_object(
        'changed_by', changed_by,
        'created_at', strftime(created_at, '%Y-%m-%dT%H:%M:%S.%fZ'),
        'kind', kind,
        'merged_into', merged_into,
        'reviewer_change_number', reviewer_change_number,
        'reviewer_id', reviewer_id,
        'role', role,
        'seal', seal
    ))::varchar as body
from reviewer_change;

create view evidence_reviewer_identity as
select
    seal as row_key,
    rowid as place,
    json_merge_patch('{}', json_object(
        'created_at', strftime(created_at, '%Y-%m-%dT%H:%M:%S.%fZ'),
        'reviewer_id', reviewer_id,
        'seal', seal
    ))::varchar as body
from reviewer_identity;

create view evidence_signature as
select
    signed_kind || '/' || signed_id as row_key,
    rowid as place,
    json_merge_patch('{}', json_object(
        'created_at', strftime(created_at, '%Y-%m-%dT%H:%M:%S.%fZ'),
        'meaning', meaning,
        'reviewer_id', reviewer_id,
        'seal', seal,
        'signed_id', signed_id,
        'signed_kind', signed_kind
    ))::varchar as body
from signature;

create view evidence_guideline as
select
    guideline_number::varchar as row_key,
    rowid as place,
    json_merge_patch('{}', json_object(
        'body', body,
        'created_at', strftime(created_at, '%Y-%m-%dT%H:%M:%S.%fZ'),
        'guideline_number', guideline_number,
        'label_set', label_set,
        'reviewer_id', reviewer_id
    ))::varchar as body
from guideline;

create view evidence_item_version as
select
    item_id || '/' || version::varchar as row_key,
    rowid as place,
    json_merge_patch('{}', json_object(
        'changes_sense', changes_sense,
        'context', context,
        'created_at', strftime(created_at, '%Y-%m-%dT%H:%M:%S.%fZ'),
        'gold_label', gold_label,
        'is_several', is_several,
        'item_id', item_id,
        'label_set', label_set,
        'labels', labels,
        'long_answer', long_answer,
        'metadata', metadata,
        'options', options,
        'question', question,
        'reason', reason,
        'reviewer_id', reviewer_id,
        'source', source,
        'split', split,
        'version', version
    ))::varchar as body
from item_version;

create view evidence_set_aside as
select
    set_aside_number::varchar as row_key,
    rowid as place,
    json_merge_patch('{}', json_object(
        'created_at', strftime(created_at, '%Y-%m-%dT%H:%M:%S.%fZ'),
        'is_set_aside', is_set_aside,
        'item_id', item_id,
        'reason', reason,
        'reviewer_id', reviewer_id,
        'set_aside_number', set_aside_number
    ))::varchar as body
from set_aside;

create view evidence_label_set as
select
    name || '/' || version::varchar as row_key,
    rowid as place,
    json_merge_patch('{}', json_object(
        'created_at', strftime(created_at, '%Y-%m-%dT%H:%M:%S.%fZ'),
        'kind', kind,
        'labels', labels,
        'moves', moves,
        'name', name,
        'reason', reason,
        'reviewer_id', reviewer_id,
        'version', version
    ))::varchar as body
from label_set;

create view evidence_queue as
select
    queue_id as row_key,
    rowid as place,
    json_merge_patch('{}', json_object(
        'created_at', strftime(created_at, '%Y-%m-%dT%H:%M:%S.%fZ'),
        'created_by', created_by,
        'design', design,
        'filter', filter,
        'item_order', item_order,
        'mode', mode,
        'name', name,
        'num_reviewers', num_reviewers,
        'queue_id', queue_id,
        'repeat_share', format('{:.17g}', repeat_share),
        'reviewer_ids', reviewer_ids,
        'run_id', run_id,
        'seed', seed,
        'sharing', sharing
    ))::varchar as body
from queue;

create view evidence_imported_item as
select
    item_id as row_key,
    rowid as place,
    json_merge_patch('{}', json_object(
        'content_hash', content_hash,
        'context', context,
        'created_at', strftime(created_at, '%Y-%m-%dT%H:%M:%S.%fZ'),
        'gold_label', gold_label,
        'is_several', is_several,
        'item_id', item_id,
        'label_set', label_set,
        'labels', labels,
        'long_answer', long_answer,
        'metadata', metadata,
        'options', options,
        'origin', origin,
        'question', question,
        'source', source,
        'split', split
    ))::varchar as body
from imported_item;

create view evidence_queue_item as
select
    queue_id || '/' || "position"::varchar as row_key,
    rowid as place,
    json_merge_patch('{}', json_object(
        'item_id', item_id,
        'position', "position",
        'queue_id', queue_id
    ))::varchar as body
from queue_item;

create view evidence_queue_draw as
select
    queue_id || '/' || item_id as row_key,
    rowid as place,
    json_merge_patch('{}', json_object(
        'draw_size', format('{:.17g}', draw_size),
        'draw_threshold', format('{:.17g}', draw_threshold),
        'inclusion_probability', format('{:.17g}', inclusion_probability),
        'item_id', item_id,
        'queue_id', queue_id,
        'stratum', stratum,
        'stratum_rank', stratum_rank
    ))::varchar as body
from queue_draw;

create view evidence_bulk_action as
select
    batch_id as row_key,
    rowid as place,
    json_merge_patch('{}', json_object(
        'batch_id', batch_id,
        'created_at', strftime(created_at, '%Y-%m-%dT%H:%M:%S.%fZ'),
        'filter', filter,
        'kind', kind,
        'num_items', num_items,
        'reviewer_id', reviewer_id
    ))::varchar as body
from bulk_action;

create view evidence_bulk_undo as
select
    batch_id as row_key,
    rowid as place,
    json_merge_patch('{}', json_object(
        'batch_id', batch_id,
        'created_at', strftime(created_at, '%Y-%m-%dT%H:%M:%S.%fZ'),
        'reviewer_id', reviewer_id
    ))::varchar as body
from bulk_undo;

create view evidence_record_veto as
select
    record_veto_number::varchar as row_key,
    rowid as place,
    json_merge_patch('{}', json_object(
        'created_at', strftime(created_at, '%Y-%m-%dT%H:%M:%S.%fZ'),
        'is_vetoed', is_vetoed,
        'item_id', item_id,
        'note', note,
        'num_shots', num_shots,
        'record_veto_number', record_veto_number,
        'reviewer_id', reviewer_id
    ))::varchar as body
from record_veto;

create view evidence_model_version as
select
    version::varchar as row_key,
    rowid as place,
    json_merge_patch('{}', json_object(
        'created_at', strftime(created_at, '%Y-%m-%dT%H:%M:%S.%fZ'),
        'created_by', created_by,
        'run_id', run_id,
        'version', version
    ))::varchar as body
from model_version;

create view evidence_model_alias as
select
    model_alias_number::varchar as row_key,
    rowid as place,
    json_merge_patch('{}', json_object(
        'action', action,
        'alias', alias,
        'created_at', strftime(created_at, '%Y-%m-%dT%H:%M:%S.%fZ'),
        'gate', gate,
        'model_alias_number', model_alias_number,
        'reason', reason,
        'reviewer_id', reviewer_id,
        'version', version
    ))::varchar as body
from model_alias;

create view evidence_gate_use as
select
    number::varchar as row_key,
    rowid as place,
    json_merge_patch('{}', json_object(
        'challenger_run_id', challenger_run_id,
        'champion_run_id', champion_run_id,
        'created_at', strftime(created_at, '%Y-%m-%dT%H:%M:%S.%fZ'),
        'number', number,
        'reviewer_id', reviewer_id,
        'test_digest', test_digest
    ))::varchar as body
from gate_use;

create view evidence_trigger_policy as
select
    trigger_policy_number::varchar as row_key,
    rowid as place,
    json_merge_patch('{}', json_object(
        'created_at', strftime(created_at, '%Y-%m-%dT%H:%M:%S.%fZ'),
        'policy', policy,
        'reviewer_id', reviewer_id,
        'trigger_policy_number', trigger_policy_number
    ))::varchar as body
from trigger_policy;

create view evidence_program_token as
select
    token_id as row_key,
    rowid as place,
    json_merge_patch('{}', json_object(
        'created_at', strftime(created_at, '%Y-%m-%dT%H:%M:%S.%fZ'),
        'created_by', created_by,
        'reviewer_id', reviewer_id,
        'token_hash', token_hash,
        'token_id', token_id,
        'token_number', token_number
    ))::varchar as body
from program_token;

create view evidence_program_token_revocation as
select
    token_id as row_key,
    rowid as place,
    json_merge_patch('{}', json_object(
        'revoked_at', strftime(revoked_at, '%Y-%m-%dT%H:%M:%S.%fZ'),
        'revoked_by', revoked_by,
        'token_id', token_id
    ))::varchar as body
from program_token_revocation;

create view evidence_training_run as
select
    run_id as row_key,
    rowid as place,
    json_merge_patch('{}', json_object(
        'base_run_id', base_run_id,
        'created_at', strftime(created_at, '%Y-%m-%dT%H:%M:%S.%fZ'),
        'created_by', created_by,
        'preset', preset,
        'run_id', run_id,
        'settings', settings
    ))::varchar as body
from training_run;

create view evidence_run as
select
    run_id as row_key,
    rowid as place,
    json_merge_patch('{}', json_object(
        'base_run_id', base_run_id,
        'created_at', strftime(created_at, '%Y-%m-%dT%H:%M:%S.%fZ'),
        'kind', kind,
        'metrics', metrics,
        'model', model,
        'name', name,
        'run_id', run_id,
        'settings', settings
    ))::varchar as body
from run;

create view evidence_setting as
select
    setting_number::varchar as row_key,
    rowid as place,
    json_merge_patch('{}', json_object(
        'created_at', strftime(created_at, '%Y-%m-%dT%H:%M:%S.%fZ'),
        'key', key,
        'reviewer_id', reviewer_id,
        'setting_number', setting_number,
        'value', value
    ))::varchar as body
from setting;

create view evidence_saved_slice as
select
    saved_slice_number::varchar as row_key,
    rowid as place,
    json_merge_patch('{}', json_object(
        'created_at', strftime(created_at, '%Y-%m-%dT%H:%M:%S.%fZ'),
        'name', name,
        'saved_by', saved_by,
        'saved_slice_number', saved_slice_number,
        'selection', selection
    ))::varchar as body
from saved_slice;

-- What was on screen for each label, as db/content/shown.py digests it.
create view shown as
select
    annotation.annotation_id,
    annotation.item_id,
    annotation.item_version,
    annotation.shown_digest,
    sha256(json_merge_patch('{}', json_object(
        'answer', sha256(stored_prediction.answer),
        'context', item_history.context,
        'guideline_version', annotation.guideline_version,
        'hidden', if(annotation.phase = 'blind', ['answer', 'gold_label', 'judgements'], []),
        'item_id', annotation.item_id,
        'item_version', annotation.item_version,
        'labels', item_history.labels,
        'options', item_history.options,
        'phase', annotation.phase,
        'presentation', annotation.presentation,
        'question', item_history.question
    ))::varchar) as digest
from annotation
left join item_history
    on item_history.item_id = annotation.item_id and item_history.version = annotation.item_version
left join stored_prediction
    on stored_prediction.run_id = annotation.run_id and stored_prediction.item_id = annotation.item_id
where annotation.shown_digest is not null;
