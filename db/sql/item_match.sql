-- For each incoming item the stored one that it is: of the same id, else of the same question,
-- options and context, case, spaces and quotation marks aside. A context that one of them lacks,
-- and a right answer that one of them lacks, do not tell them apart. At most one for each other.
-- Options and contexts are long: they are compared for pairs with the same question only.
with by_id as (
    select
        incoming_item.item_id as incoming_id,
        item.item_id,
        item.labels,
        item.is_several,
        incoming_item.labels as incoming_labels,
        translate(lower(item.question), chr(9) || chr(10) || chr(13) || ' ', '')
            = translate(lower(incoming_item.question), chr(9) || chr(10) || chr(13) || ' ', '') as has_same_question
    from incoming_item
    join every_item as item using (item_id)
),
unknown as (
    select
        incoming_item.*,
        translate(lower(question), chr(9) || chr(10) || chr(13) || ' ', '') as question_key
    from incoming_item
    anti join by_id on by_id.incoming_id = incoming_item.item_id
),
named as (
    select item.*, unknown.item_id as incoming_id
    from every_item as item
    join unknown on translate(lower(item.question), chr(9) || chr(10) || chr(13) || ' ', '') = unknown.question_key
    anti join by_id on by_id.item_id = item.item_id
),
by_text as (
    select
        unknown.item_id as incoming_id,
        named.item_id,
        named.labels,
        named.is_several,
        unknown.labels as incoming_labels,
        true as has_same_question
    from named
    join unknown on unknown.item_id = named.incoming_id
    where (len(named.labels) = len(unknown.labels) or len(unknown.options) = 0)
        and list_transform(named.options, lambda part: lower(regexp_replace(part."text", '["\s]+', '', 'g')))
            = list_transform(unknown.options, lambda part: lower(regexp_replace(part."text", '["\s]+', '', 'g')))
        and (
            len(named.context) = 0
            or len(unknown.context) = 0
            or lower(regexp_replace(array_to_string(list_transform(named.context, lambda part: part."text"), ''), '\s+', '', 'g'))
                = lower(regexp_replace(array_to_string(list_transform(unknown.context, lambda part: part."text"), ''), '\s+', '', 'g'))
        )
        and (coalesce(named.gold_label = unknown.gold_label, true) or named.labels <> unknown.labels)
    qualify row_number() over (
            partition by unknown.item_id order by named.source <> unknown.source, named.item_id
        ) = 1
        and row_number() over (partition by named.item_id order by unknown.item_id) = 1
)
select incoming_id, item_id, labels, incoming_labels, has_same_question, is_several from by_id
union all by name
select incoming_id, item_id, labels, incoming_labels, has_same_question, is_several from by_text
