-- The place of a challenger among the models compared with a champion; the next one where it is new.
select count(*) + 1
from gate_use
where
    champion_run_id = coalesce($champion, '')
    and number < coalesce(
        (
            select number
            from gate_use
            where champion_run_id = coalesce($champion, '') and challenger_run_id = $challenger
        ),
        9223372036854775807
    )
