-- The stored items of names that come without their question: of the same id, else of a question
-- that the text next to the name contains. Texts are searched up to $max_pairs pairs.
with by_id as (
    select incoming_place.item_id as incoming_id, item.item_id, item.labels, item.is_several
    from incoming_place
    join every_item as item using (item_id)
),
prompt as (
    select
        incoming_place.item_id as incoming_id,
        translate(lower(place), chr(9) || chr(10) || chr(13) || ' ', '') as prompt_key
    from incoming_place
    anti join by_id on by_id.incoming_id = incoming_place.item_id
    where place <> ''
),
question as (
    select
        item_id,
        labels,
        is_several,
        translate(lower(question), chr(9) || chr(10) || chr(13) || ' ', '') as question_key
    from every_item as item
    where length(question) >= 15
        and (select count(*) from prompt) * (select count(*) from every_item) between 1 and $max_pairs
),
by_text as (
    select
        prompt.incoming_id,
        arg_max(question.item_id, length(question.question_key)) as item_id,
        arg_max(question.labels, length(question.question_key)) as labels,
        arg_max(question.is_several, length(question.question_key)) as is_several
    from prompt
    join question on contains(prompt.prompt_key, question.question_key)
    group by prompt.incoming_id
)
select incoming_id, item_id, labels, is_several from by_id
union all by name
select incoming_id, item_id, labels, is_several from by_text
