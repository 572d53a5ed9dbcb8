-- For each incoming item the stored one that it is: of the same id, else of the same question,
-- options and context, case, spaces and quotation marks aside. A context that one of them lacks,
-- and a right answer that one of them lacks, do not tell them apart. At most one for each other.
with stored as (
    select
        item_id,
        labels,
        gold_label,
        source,
        lower(regexp_replace(question, '\s+', '', 'g')) as question_key,
        lower(regexp_replace(array_to_string(list_transform(options, lambda part: part."text"), '|'), '["\s]+', '', 'g'))
            as options_key,
        lower(regexp_replace(array_to_string(list_transform(context, lambda part: part."text"), ''), '\s+', '', 'g'))
            as context_key
    from item
),
incoming as (
    select
        item_id,
        labels,
        gold_label,
        source,
        lower(regexp_replace(question, '\s+', '', 'g')) as question_key,
        lower(regexp_replace(array_to_string(list_transform(options, lambda part: part."text"), '|'), '["\s]+', '', 'g'))
            as options_key,
        lower(regexp_replace(array_to_string(list_transform(context, lambda part: part."text"), ''), '\s+', '', 'g'))
            as context_key
    from incoming_item
),
by_id as (
    select
        incoming.item_id as incoming_id,
        stored.item_id,
        stored.labels,
        incoming.labels as incoming_labels,
        stored.question_key = incoming.question_key as has_same_question
    from incoming
    join stored using (item_id)
),
by_text as (
    select
        incoming.item_id as incoming_id,
        stored.item_id,
        stored.labels,
        incoming.labels as incoming_labels,
        true as has_same_question
    from incoming
    join stored using (question_key, options_key)
    anti join by_id as same_incoming on same_incoming.incoming_id = incoming.item_id
    anti join by_id as same_stored on same_stored.item_id = stored.item_id
    where (len(stored.labels) = len(incoming.labels) or incoming.options_key = '')
        and (stored.context_key = incoming.context_key or '' in (stored.context_key, incoming.context_key))
        and (
            coalesce(stored.gold_label = incoming.gold_label, true)
            or stored.labels <> incoming.labels
        )
    qualify row_number() over (
            partition by incoming.item_id order by stored.source <> incoming.source, stored.item_id
        ) = 1
        and row_number() over (partition by stored.item_id order by incoming.item_id) = 1
)
select incoming_id, item_id, labels, incoming_labels, has_same_question from by_id
union all by name
select incoming_id, item_id, labels, incoming_labels, has_same_question from by_text
