"""Events, as those who run the site see them: `banyan events`, and the page that describes each one."""
