-- One row for each item with a standing annotation, or with an answer of the run where one is
-- named: what a Label Studio task holds. run_id: null for no predictions.
with standing as (
    select
        item_id,
        list(
            {
                'annotation_id': annotation_id,
                'reviewer': case
                    when not scratch.hides_name($viewer, item_id, reviewer_id)
                        then coalesce(reviewer.name, reviewer_id)
                end,
                'labels': labels,
                'note': note,
                'answer': answer,
                'confidence': confidence,
                'severity': severity,
                'verdicts': verdicts,
                'phase': phase,
                'guideline_version': guideline_version,
                'duration_seconds': duration_seconds,
                'created_at': annotation.created_at
            }
            order by annotation_number
        ) as annotations
    from phase_annotation as annotation
    left join exported_reviewer as reviewer using (reviewer_id)
    group by item_id
),
answered as (
    select item_id, answer, text_label, head_label, head_confidence
    from read_prediction
    where run_id = $run_id
)
select
    item.item_id,
    item.source,
    item.split,
    item.question,
    array_to_string(
        list_transform(
            item.context,
            lambda part: case when part.heading = '' then '' else part.heading || chr(10) end || part."text"
        ),
        chr(10) || chr(10)
    ) as context,
    item.labels,
    item.options,
    gold.label as label_of_record,
    answered.answer,
    answered.text_label,
    answered.head_label,
    answered.head_confidence,
    standing.annotations
from item
join gold on gold.item_id = item.item_id
anti join scratch.hidden_item($viewer) as hidden on hidden.item_id = item.item_id
left join standing on standing.item_id = item.item_id
left join answered on answered.item_id = item.item_id
where standing.item_id is not null or answered.item_id is not null
order by item.item_id
