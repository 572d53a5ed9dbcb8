-- The tables that joined the chain later. A key cannot contain what is searched for: its quotes are escaped.
select split_part(line ->> '$.key', ' ', 1) as kind
from chain_link
where contains(line, '"kind":"' || $kind || '"')
